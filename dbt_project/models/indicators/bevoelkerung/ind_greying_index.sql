{{ indikator(einwohner(80), einwohner(60, 79)) }}
