{{ indikator(fallzahl('kita_plaetze'), einwohner(0, 5)) }}
