{{ indikator(fallzahl('alterssumme'), einwohner()) }}
