{{ indikator(fallzahl('pflegebeduerftige'), einwohner_fortschreibung()) }}
