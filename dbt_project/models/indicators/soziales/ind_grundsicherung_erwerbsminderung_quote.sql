{{ indikator(
    fallzahl('grundsicherung_erwerbsminderung'),
    einwohner_bis_altersgrenze(18, ab='einwohner_ab_altersgrenze')
) }}
