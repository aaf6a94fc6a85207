{{ indikator(fallzahl('mss_transferbezug'), einwohner()) }}
