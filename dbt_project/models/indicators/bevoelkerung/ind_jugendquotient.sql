{{ indikator(einwohner(0, 17), einwohner(18, 64)) }}
