{{ indikator(einwohner(65), einwohner()) }}
