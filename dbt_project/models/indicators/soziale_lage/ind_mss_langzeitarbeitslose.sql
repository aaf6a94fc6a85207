{{ indikator(fallzahl('mss_langzeitarbeitslose'), einwohner(15, 64)) }}
