{{ indikator(fallzahl('sgb2_kinder_u15'), einwohner(0, 14)) }}
