{{ indikator(fallzahl('sgb2_elb'), fallzahl('einwohner_15_bis_altersgrenze')) }}
