{{ indikator(differenz(einwohner(0, 14), einwohner(50)), einwohner(15, 49)) }}
