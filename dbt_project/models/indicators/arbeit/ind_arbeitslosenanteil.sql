{{ indikator(fallzahl('arbeitslose'), einwohner(15, 64)) }}
