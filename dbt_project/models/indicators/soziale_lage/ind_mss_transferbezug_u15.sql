{{ indikator(fallzahl('mss_transferbezug_u15'), einwohner(0, 14)) }}
