{{ indikator(
    fallzahl('sgb2_leistungsberechtigte'),
    einwohner_bis_altersgrenze(ab='einwohner_ab_altersgrenze')
) }}
