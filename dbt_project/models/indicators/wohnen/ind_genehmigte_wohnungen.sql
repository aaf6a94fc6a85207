{{ indikator(fallzahl('genehmigte_wohnungen'), einwohner()) }}
