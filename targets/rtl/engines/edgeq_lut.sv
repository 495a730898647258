// A function of one number, from a table.
module edgeq_lut #(
    parameter BITS = 8,
    parameter OUT_BITS = 8,
    parameter FILE = ""
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    output logic in_ready,
    input logic [BITS-1:0] in_data,
    output logic out_valid,
    input logic out_ready,
    output logic [OUT_BITS-1:0] out_data
);
    (* rom_style = "block" *) logic [OUT_BITS-1:0] memory[0:(1<<BITS)-1];
    logic [BITS-1:0] place;

    initial $readmemh(FILE, memory);
    // The table begins at the lowest number.
    assign place = {!in_data[BITS-1], in_data[BITS-2:0]};
    assign in_ready = !out_valid || out_ready;

    always_ff @(posedge clk) begin
        if (rst) out_valid <= 0;
        else if (in_ready) out_valid <= in_valid;
        if (in_ready) out_data <= memory[place];
    end
endmodule
