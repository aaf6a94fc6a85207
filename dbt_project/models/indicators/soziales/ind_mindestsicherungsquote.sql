{{ indikator(fallzahl('mindestsicherung'), einwohner_fortschreibung()) }}
