{{ indikator(fallzahl('langzeitarbeitslose'), einwohner(15, 64)) }}
