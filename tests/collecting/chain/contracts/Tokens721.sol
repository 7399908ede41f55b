// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

// Collections for the tests: anybody may mint, since nobody else is on the chain.

/// ERC-721 with metadata, found by its logs alone; with ERC-2309 and ERC-4906.
contract Logged721 {
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    event ConsecutiveTransfer(
        uint256 indexed fromTokenId, uint256 toTokenId, address indexed fromAddress, address indexed toAddress
    );
    event MetadataUpdate(uint256 _tokenId);
    event BatchMetadataUpdate(uint256 _fromTokenId, uint256 _toTokenId);

    error ERC721NonexistentToken(uint256 tokenId);

    string public baseURI;
    mapping(uint256 => address) internal owners;

    function name() public pure virtual returns (string memory) {
        return "Logged";
    }

    function symbol() public pure returns (string memory) {
        return "LOG";
    }

    function supportsInterface(bytes4 id) public pure virtual returns (bool) {
        return id == 0x01ffc9a7 || id == 0x80ac58cd || id == 0x5b5e139f || id == 0x49064906;
    }

    function ownerOf(uint256 id) public view returns (address) {
        if (owners[id] == address(0)) revert ERC721NonexistentToken(id);
        return owners[id];
    }

    function tokenURI(uint256 id) public view virtual returns (string memory) {
        ownerOf(id);
        return string.concat(baseURI, decimal(id));
    }

    function setBaseURI(string calldata uri) external {
        baseURI = uri;
    }

    function mint(uint256 first, uint256 count) external {
        for (uint256 id = first; id < first + count; id++) _move(address(0), msg.sender, id);
    }

    /// One event for all of them (ERC-2309).
    function mintAtOnce(uint256 first, uint256 last) external {
        for (uint256 id = first; id <= last; id++) owners[id] = msg.sender;
        emit ConsecutiveTransfer(first, last, address(0), msg.sender);
    }

    /// What a hostile contract may claim.
    function claimAtOnce(uint256 first, uint256 last) external {
        emit ConsecutiveTransfer(first, last, address(0), msg.sender);
    }

    function burn(uint256 id) external {
        _move(ownerOf(id), address(0), id);
    }

    function send(address to, uint256 id) external {
        _move(ownerOf(id), to, id);
    }

    function refresh(uint256 id) external {
        emit MetadataUpdate(id);
    }

    function refreshMany(uint256 first, uint256 last) external {
        emit BatchMetadataUpdate(first, last);
    }

    function _move(address from, address to, uint256 id) internal virtual {
        owners[id] = to;
        emit Transfer(from, to, id);
    }

    function decimal(uint256 value) internal pure returns (string memory) {
        if (value == 0) return "0";
        bytes memory digits;
        for (; value > 0; value /= 10) digits = bytes.concat(bytes1(uint8(48 + value % 10)), digits);
        return string(digits);
    }
}

/// The same with ERC-721's Enumerable.
contract Enumerable721 is Logged721 {
    uint256[] private ids;
    mapping(uint256 => uint256) private places;

    function supportsInterface(bytes4 id) public pure override returns (bool) {
        return id == 0x780e9d63 || super.supportsInterface(id);
    }

    function totalSupply() external view returns (uint256) {
        return ids.length;
    }

    function tokenByIndex(uint256 index) external view returns (uint256) {
        require(index < ids.length, "no such index");
        return ids[index];
    }

    function _move(address from, address to, uint256 id) internal override {
        super._move(from, to, id);
        if (from == address(0)) {
            places[id] = ids.length;
            ids.push(id);
        } else if (to == address(0)) {
            uint256 last = ids[ids.length - 1];
            ids[places[id]] = last;
            places[last] = places[id];
            ids.pop();
        }
    }
}

/// Says that it is Enumerable, and gives the same token for every index.
contract Liar721 is Logged721 {
    function supportsInterface(bytes4 id) public pure override returns (bool) {
        return id == 0x780e9d63 || super.supportsInterface(id);
    }

    function totalSupply() external pure returns (uint256) {
        return 3;
    }

    function tokenByIndex(uint256) external pure returns (uint256) {
        return 7;
    }
}

/// Metadata and picture in the URI itself.
contract OnChain721 is Logged721 {
    function tokenURI(uint256 id) public view override returns (string memory) {
        ownerOf(id);
        string memory svg = string.concat(
            "<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'><rect width='8' height='8' fill='rgb(",
            decimal(id % 256),
            ",80,160)'/></svg>"
        );
        bytes memory json = bytes(
            string.concat(
                '{"name":"Square #',
                decimal(id),
                '","image":"data:image/svg+xml;base64,',
                base64(bytes(svg)),
                '","attributes":[{"trait_type":"Parity","value":"',
                id % 2 == 0 ? "even" : "odd",
                '"}]}'
            )
        );
        return string.concat("data:application/json;base64,", base64(json));
    }

    function base64(bytes memory data) internal pure returns (string memory) {
        bytes memory table = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        bytes memory out = new bytes((data.length + 2) / 3 * 4);
        for (uint256 i = 0; i < data.length; i += 3) {
            uint256 left = data.length - i;
            uint256 bits = uint256(uint8(data[i])) << 16;
            if (left > 1) bits |= uint256(uint8(data[i + 1])) << 8;
            if (left > 2) bits |= uint8(data[i + 2]);
            uint256 at = i / 3 * 4;
            out[at] = table[bits >> 18];
            out[at + 1] = table[(bits >> 12) & 63];
            out[at + 2] = left > 1 ? table[(bits >> 6) & 63] : bytes1("=");
            out[at + 3] = left > 2 ? table[bits & 63] : bytes1("=");
        }
        return string(out);
    }
}

/// Answers each id in another wrong way.
contract Hostile721 is Logged721 {
    error SoldOut(uint256 price);

    function tokenURI(uint256 id) public pure override returns (string memory) {
        if (id == 1) revert("not \n revealed \u202e yet");
        if (id == 2) assert(false);
        if (id == 3) revert SoldOut(5);
        if (id == 4) revert();
        if (id % 100 == 5) assembly { invalid() } // takes all the gas along
        if (id % 100 == 13) assembly { mstore(3000000, 1) } // wants 17 million gas for memory
        if (id == 6) return string(bytes.concat("ipfs://", hex"ff2fc328"));
        if (id == 7) return string(new bytes(200_000));
        if (id == 8) return "";
        if (id == 9) assembly { mstore(0, 7) return(0, 32) } // no string
        if (id == 10) assembly { mstore(0, 32) mstore(32, not(0)) return(0, 64) } // as long as all
        if (id == 11) revert(string(long()));
        if (id == 12) assembly { return(0, 0) }
        return string.concat("ipfs://good/", decimal(id));
    }

    function long() private pure returns (bytes memory text) {
        text = new bytes(1_000);
        for (uint256 i = 0; i < 1_000; i++) text[i] = "x";
    }
}

/// URIs of a given length, that take much memory and gas.
contract Long721 is Logged721 {
    uint256 public length;

    function setLength(uint256 value) external {
        length = value;
    }

    function tokenURI(uint256 id) public view override returns (string memory) {
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; i++) text[i] = "a";
        return string.concat("data:,", decimal(id), "-", string(text));
    }
}
