{{ indikator(fallzahl('arbeitslose_15_24'), einwohner(15, 24)) }}
