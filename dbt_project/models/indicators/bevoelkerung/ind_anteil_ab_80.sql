{{ indikator(einwohner(80), einwohner()) }}
