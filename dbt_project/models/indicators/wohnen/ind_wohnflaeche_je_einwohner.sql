{{ indikator(fallzahl('wohnflaeche_m2'), einwohner()) }}
