{{ indikator(fallzahl('beschaeftigte_15_64'), einwohner(15, 64)) }}
