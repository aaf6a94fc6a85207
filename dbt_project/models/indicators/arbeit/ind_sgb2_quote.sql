{{ indikator(fallzahl('sgb2_leistungsberechtigte'), einwohner(0, 64)) }}
