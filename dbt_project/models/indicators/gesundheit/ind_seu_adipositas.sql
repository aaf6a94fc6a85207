{{ indikator(fallzahl('seu_bmi_ueber_p97'), fallzahl('seu_gemessene')) }}
