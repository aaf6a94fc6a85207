{{ indikator(fallzahl('uebergaenge_gymnasium'), fallzahl('abgaenge_klasse4')) }}
