{{ indikator(fallzahl('kita_kinder_u3'), einwohner(0, 2)) }}
