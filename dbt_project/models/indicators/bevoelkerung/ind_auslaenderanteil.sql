{{ indikator(einwohner(staatsangehoerigkeit='auslaendisch'), einwohner()) }}
