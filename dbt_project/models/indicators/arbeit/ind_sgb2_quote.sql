{{ indikator(fallzahl('sgb2_leistungsberechtigte'), fallzahl('einwohner_unter_altersgrenze')) }}
