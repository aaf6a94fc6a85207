{{ indikator(fallzahl('mss_arbeitslose'), einwohner(15, 64)) }}
