{{ indikator(fallzahl_summe(['zuzuege', 'fortzuege']), einwohner()) }}
