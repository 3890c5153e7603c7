import Foundation

/// A whole model in the diffusers layout, put together from the networks in `fixtures/parity`: random weights and a
/// vocabulary of single letters. It paints nothing that makes sense, in well under a second a step.
enum TinyModel {
    private static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fixtures/parity/networks")

    /// Writes the model to a folder that does not exist yet: 9 channels into the denoiser, 4 of them latent.
    static func write(to folder: URL) throws {
        let manager = FileManager.default
        try manager.createDirectory(at: folder, withIntermediateDirectories: true)
        for (part, network) in [("unet", "unet-sd2-inpaint"), ("vae", "vae-4"), ("text_encoder", "text-quick-gelu")] {
            try manager.copyItem(at: fixtures.appending(path: network), to: folder.appending(path: part))
        }
        try write(
            """
            {"_class_name": "StableDiffusionInpaintPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}
            """, folder, "model_index.json")
        try write(
            """
            {"_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
             "beta_schedule": "scaled_linear", "prediction_type": "epsilon", "steps_offset": 1, "clip_sample": false,
             "set_alpha_to_one": false}
            """, folder, "scheduler/scheduler_config.json")
        // The numbers of begin and end are those of the text encoder's configuration.
        let letters = (0 ..< 26).map { String(UnicodeScalar(UInt8(97 + $0))) }
        let pieces = letters + letters.map { $0 + "</w>" }
        let entries = pieces.enumerated().map { "\"\($1)\": \($0)" } + ["\"<|start|>\": 94", "\"<|end|>\": 95"]
        try write("{" + entries.joined(separator: ", ") + "}", folder, "tokenizer/vocab.json")
        try write("#version: 0.2\n", folder, "tokenizer/merges.txt")
        try write(
            """
            {"bos_token": "<|start|>", "eos_token": "<|end|>", "pad_token": "<|end|>", "unk_token": "<|end|>",
             "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
            """, folder, "tokenizer/tokenizer_config.json")
    }

    private static func write(_ text: String, _ folder: URL, _ path: String) throws {
        let file = folder.appending(path: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
}
