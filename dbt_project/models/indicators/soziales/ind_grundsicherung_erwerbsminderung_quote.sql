{{ indikator(fallzahl('grundsicherung_erwerbsminderung'), fallzahl('einwohner_18_bis_altersgrenze')) }}
