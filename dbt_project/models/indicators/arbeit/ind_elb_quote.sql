{{ indikator(
    fallzahl('sgb2_elb'),
    einwohner_bis_altersgrenze(15, ab='einwohner_ab_altersgrenze')
) }}
