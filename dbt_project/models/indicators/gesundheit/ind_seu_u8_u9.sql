{{ indikator(fallzahl('seu_u8_u9'), fallzahl('seu_vorsorgeheft')) }}
