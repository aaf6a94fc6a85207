{{ indikator(einwohner_seit(5, 'veraenderung'), einwohner_seit(5, 'frueher')) }}
