{{ indikator(fallzahl('seu_mmr2'), fallzahl('seu_impfbuch')) }}
