// A stream that holds DEPTH words.
module edgeq_fifo #(
    parameter WIDTH = 8,
    parameter DEPTH = 2
) (
    input logic clk,
    input logic rst,
    input logic in_valid,
    output logic in_ready,
    input logic [WIDTH-1:0] in_data,
    output logic out_valid,
    input logic out_ready,
    output logic [WIDTH-1:0] out_data
);
    localparam ADDRESS = DEPTH > 1 ? $clog2(DEPTH) : 1;

    logic [ADDRESS-1:0] head, tail;
    logic [$clog2(DEPTH+1)-1:0] held;
    logic put, fetch;

    assign in_ready = held != DEPTH;
    assign put = in_valid && in_ready;
    assign fetch = held != 0 && (!out_valid || out_ready);

    always_ff @(posedge clk) begin
        if (rst) begin
            head <= 0;
            tail <= 0;
            held <= 0;
            out_valid <= 0;
        end else begin
            if (put) tail <= tail == DEPTH - 1 ? 0 : tail + 1;
            if (fetch) head <= head == DEPTH - 1 ? 0 : head + 1;
            held <= held + put - fetch;
            out_valid <= fetch || (out_valid && !out_ready);
        end
    end

    generate
        if (WIDTH * DEPTH < 1024) begin : in_logic
            (* ram_style = "logic" *) logic [WIDTH-1:0] memory[0:DEPTH-1];
            always_ff @(posedge clk) begin
                if (put) memory[tail] <= in_data;
                if (fetch) out_data <= memory[head];
            end
        end else begin : in_block
            (* ram_style = "block" *) logic [WIDTH-1:0] memory[0:DEPTH-1];
            always_ff @(posedge clk) begin
                if (put) memory[tail] <= in_data;
                if (fetch) out_data <= memory[head];
            end
        end
    endgenerate
endmodule
