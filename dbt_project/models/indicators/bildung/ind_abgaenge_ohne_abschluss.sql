{{ indikator(fallzahl('schulabgaenge_ohne_abschluss'), fallzahl('schulabgaenge')) }}
