{{ indikator(einwohner(0, 17), einwohner()) }}
