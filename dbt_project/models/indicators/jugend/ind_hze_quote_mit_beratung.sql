{{ indikator(fallzahl('hze_hilfen'), einwohner(0, 20)) }}
