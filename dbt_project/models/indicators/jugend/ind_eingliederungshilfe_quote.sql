{{ indikator(fallzahl('eingliederungshilfe_35a'), einwohner(0, 20)) }}
