{{ indikator(fallzahl('kita_plaetze')) }}
