{{ indikator(fallzahl('wohnungen_leer'), fallzahl('wohnungen')) }}
