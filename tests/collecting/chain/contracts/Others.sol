// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// ERC-1155 with `{id}`; its supply of each id can be asked for.
contract Multi1155 {
    event TransferSingle(
        address indexed operator, address indexed from, address indexed to, uint256 id, uint256 value
    );
    event TransferBatch(
        address indexed operator, address indexed from, address indexed to, uint256[] ids, uint256[] values
    );
    event URI(string value, uint256 indexed id);

    mapping(uint256 => uint256) public totalSupply;

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == 0x01ffc9a7 || id == 0xd9b67a26 || id == 0x0e89341c;
    }

    function uri(uint256) external pure returns (string memory) {
        return "https://tokens.example/{id}.json?again={id}";
    }

    function mint(uint256 id, uint256 value) external {
        totalSupply[id] += value;
        emit TransferSingle(msg.sender, address(0), msg.sender, id, value);
    }

    function mintBatch(uint256[] calldata ids, uint256[] calldata values) external {
        for (uint256 i = 0; i < ids.length; i++) totalSupply[ids[i]] += values[i];
        emit TransferBatch(msg.sender, address(0), msg.sender, ids, values);
    }

    function burn(uint256 id, uint256 value) external {
        totalSupply[id] -= value;
        emit TransferSingle(msg.sender, msg.sender, address(0), id, value);
    }

    function announce(uint256 id) external {
        emit URI("https://tokens.example/other.json", id);
    }
}

/// From before ERC-165: names as bytes32, events without an indexed id, and whoever asks for
/// something else loses all gas.
contract Old721 {
    event Transfer(address indexed from, address indexed to, uint256 tokenId);

    bytes32 public name = "Ancient Things";
    bytes32 public symbol = "OLD";
    mapping(uint256 => address) public ownerOf;

    function mint(uint256 id) external {
        ownerOf[id] = msg.sender;
        emit Transfer(address(0), msg.sender, id);
    }

    function tokenURI(uint256 id) external view returns (string memory) {
        require(ownerOf[id] != address(0));
        return "http://old.example/token";
    }

    fallback() external {
        assembly { invalid() }
    }
}

/// Events that index nothing, as CryptoKitties has them; and yes to every interface.
contract Yes721 {
    event Transfer(address from, address to, uint256 tokenId);

    function supportsInterface(bytes4) external pure returns (bool) {
        return true;
    }

    function mint(uint256 id) external {
        emit Transfer(address(0), msg.sender, id);
    }

    function tokenURI(uint256) external pure returns (string memory) {
        return "ar://yes";
    }
}

/// ERC-1155's uri without ERC-165.
contract Bare1155 {
    function uri(uint256) external pure returns (string memory) {
        return "ipfs://bare/{id}";
    }
}

/// As CryptoPunks: owners, and no word about metadata.
contract Punks {
    string public name = "PUNKS";
    string public symbol = "\x50";
    uint256 public totalSupply = 10000;
    mapping(uint256 => address) public punkIndexToAddress;
}

/// `aggregate3` as Multicall3 has it.
contract Multicall {
    struct Call3 {
        address target;
        bool allowFailure;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory results) {
        results = new Result[](calls.length);
        for (uint256 i = 0; i < calls.length; i++) {
            (results[i].success, results[i].returnData) = calls[i].target.call(calls[i].callData);
            require(results[i].success || calls[i].allowFailure, "Multicall3: call failed");
        }
    }
}

/// Hands every call on to an address in a slot: EIP-1967, or what came before it.
contract SlotProxy {
    bytes32 private immutable slot;

    constructor(bytes32 at, address implementation) {
        slot = at;
        assembly { sstore(at, implementation) }
    }

    fallback() external payable {
        bytes32 at = slot;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), sload(at), 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if done { return(0, returndatasize()) }
            revert(0, returndatasize())
        }
    }
}

contract Beacon {
    address public implementation;

    constructor(address found) {
        implementation = found;
    }
}

/// EIP-1967 with a beacon.
contract BeaconProxy {
    bytes32 private constant SLOT = bytes32(uint256(keccak256("eip1967.proxy.beacon")) - 1);

    constructor(address beacon) {
        bytes32 at = SLOT;
        assembly { sstore(at, beacon) }
    }

    fallback() external payable {
        bytes32 at = SLOT;
        address beacon;
        assembly { beacon := sload(at) }
        address target = Beacon(beacon).implementation();
        assembly {
            calldatacopy(0, 0, calldatasize())
            let done := delegatecall(gas(), target, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if done { return(0, returndatasize()) }
            revert(0, returndatasize())
        }
    }
}
