{{ indikator(fallzahl_saldo('zuzuege_u6', 'fortzuege_u6'), einwohner(0, 5)) }}
