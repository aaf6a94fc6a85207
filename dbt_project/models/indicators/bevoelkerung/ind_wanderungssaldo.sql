{{ indikator(fallzahl_saldo('zuzuege', 'fortzuege'), einwohner()) }}
