{{ indikator(fallzahl('hze_ohne_28'), einwohner(0, 20)) }}
