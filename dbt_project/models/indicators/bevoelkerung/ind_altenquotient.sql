{{ indikator(einwohner(65), einwohner(18, 64)) }}
