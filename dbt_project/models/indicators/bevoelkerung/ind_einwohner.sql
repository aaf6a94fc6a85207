{{ indikator(einwohner()) }}
