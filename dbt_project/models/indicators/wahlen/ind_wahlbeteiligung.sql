{{ indikator(fallzahl('waehler'), fallzahl('wahlberechtigte')) }}
