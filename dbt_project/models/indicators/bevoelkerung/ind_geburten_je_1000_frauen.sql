{{ indikator(fallzahl('geburten'), einwohner(15, 44, geschlecht='weiblich')) }}
