{{ indikator(fallzahl('kita_kinder_ue3'), einwohner(3, 5)) }}
