{{ indikator(fallzahl('grundsicherung_alter'), fallzahl('einwohner_ab_altersgrenze')) }}
