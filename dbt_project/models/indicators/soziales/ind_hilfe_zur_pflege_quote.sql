{{ indikator(fallzahl('hilfe_zur_pflege'), einwohner()) }}
